"""A person's photograph in, a restored photograph out; imported only when used."""
