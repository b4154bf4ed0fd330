"""Making rows with the teacher."""
