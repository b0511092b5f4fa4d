"""System checks: each has an id, says what is wrong, and hints what to do."""
