"""Tables that people bring: the door through which they are opened, and what all formats share."""
