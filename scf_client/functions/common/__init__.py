"""What every function needs: the server and its envelope, media checks, pictures, ffmpeg, a font with Chinese."""
