"""A script to sentences, shots, prompts, counts, findings and timed subtitles."""
