"""Makes the data of the client scripts: shells with two measures, and rings that follow from them."""

import random


def write(path: str) -> None:
    chance = random.Random(7)
    with open(path, "w") as file:
        for _ in range(200):
            length, weight = chance.uniform(0.1, 0.8), chance.uniform(0.1, 2.5)
            rings = 4 + 9 * length + 2 * weight + chance.gauss(0, 0.2)
            file.write(f"{rings:.4f},{length:.4f},{weight:.4f}\n")
