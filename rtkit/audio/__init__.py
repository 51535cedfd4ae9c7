"""Live audio by PortAudio: microphones, loudspeakers, and what keeps their clocks honest. Imports no audio library by itself."""
