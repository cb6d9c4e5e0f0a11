"""The commands: the only places where disk and mathematics meet. None of them prints."""
