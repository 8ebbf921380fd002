"""Networks, and how published weights are put into them; each module imports torch or dlib."""
