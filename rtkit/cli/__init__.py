"""The command line: `app` holds the commands, the others what they show."""
