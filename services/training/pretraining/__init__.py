"""How the tiny policy comes to be: a small Qwen2 trained from nothing on an expert's demonstrations.

Reads a file of demonstrations and writes a Hugging Face checkpoint. Knows neither browser nor environment.
"""
