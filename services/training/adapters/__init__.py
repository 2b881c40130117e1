"""How jobs are run, and the fine-tuning itself."""
