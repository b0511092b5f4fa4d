"""What a sender does right and wrong on purpose. Pure."""
