"""A script to sentences, counts and timed subtitles."""
