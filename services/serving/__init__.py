"""The serving room: generation for any policy, a base model with LoRA adapters chosen per request."""
