"""What every room needs to answer a browser or a program: the page frame and RFC 9457 problems."""
