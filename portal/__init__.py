"""The shell: settings, addresses, errors and the page frame. Rooms of the portal lie beside it."""
