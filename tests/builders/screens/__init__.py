"""Where reports are looked at: browsers and terminals."""
