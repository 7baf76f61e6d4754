"""test_card: pictures and videos that need no generator: prompt, size, seed and timecode over a moving pattern."""
