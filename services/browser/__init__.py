"""The browser room: isolated sessions of real Chromium, read and driven in WebArena's terms."""
