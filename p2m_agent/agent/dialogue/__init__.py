"""What a person means by what they type: verdicts, edits, questions, facts; and answers from the record."""
