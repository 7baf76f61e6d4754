// 列表条目的用语；随第一个条目载入。

export default {
  "option.start": "从第几秒",
  "option.end": "到第几秒",
  "option.duration": "时长（秒）",
  "option.motion": "镜头运动",
  "option.transition": "入场转场",
  "told.start": "从 {n} 秒",
  "told.end": "到 {n} 秒",
  "told.duration": "{n} 秒",
  "told.speed": "{n} 倍速",
  "field.from": "起始画面",
  "field.to": "结束画面",
  "field.zoom": "放大",
  "field.x": "左右",
  "field.y": "上下",
};
