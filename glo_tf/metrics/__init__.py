"""What a network is worth: metrics, their direction, and fitness from them."""
