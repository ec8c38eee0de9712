raise ValueError("the shells are gone")
