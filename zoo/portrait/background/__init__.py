"""Clean a whole photo: noise, JPEG artefacts, blur."""
