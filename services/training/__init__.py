"""The training room: fine-tuning jobs that survive the death of their process and of the room."""
