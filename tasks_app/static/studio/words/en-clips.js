// What is said of items in a list; loaded with the first of them.

export default {
  "option.start": "From second",
  "option.end": "To second",
  "option.duration": "For seconds",
  "option.motion": "Camera motion",
  "option.transition": "Comes in by",
  "told.start": "from {n} s",
  "told.end": "to {n} s",
  "told.duration": "for {n} s",
  "told.speed": "{n}× as fast",
  "field.from": "Begins at",
  "field.to": "Ends at",
  "field.x": "Left to right",
  "field.y": "Top to bottom",
  "field.type": "Kind",
};
