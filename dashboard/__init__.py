"""What the Dash pages share."""
