"""What generated people say: everyday sentences, written for this project so that all sounds of English occur."""

from __future__ import annotations

import numpy as np

from imu_sim.performance.sounds import CONSONANTS
from imu_sim.performance.spelling import VOWELS, phonemes_of

SENTENCES = (
    "Hello, how are you today?",
    "My name is on the list, right below yours.",
    "Could you bring me a cup of coffee, please?",
    "I really do not believe a word of it.",
    "The weather is getting better, bit by bit.",
    "We usually measure twice and cut once.",
    "What a wonderful surprise!",
    "Both of them laughed until they cried.",
    "She sells fresh bread and orange juice near the old garage.",
    "Five brown foxes jump over the very lazy dog.",
    "Why would anybody push a piano up a mountain?",
    "Oh no, I forgot my umbrella again.",
    "Mama, may I have some more milk?",
    "The boy found a small coin under the table.",
    "Please turn left at the church, then go straight ahead.",
    "They were watching television with great pleasure.",
    "Wow, you look good in blue.",
    "No, no, no. That is not what I mean.",
    "Yes, of course. I would love to.",
    "Keep the change, thank you very much.",
    "Pepper and butter make a poor breakfast.",
    "Thirty-three thieves thought they thrilled the throne.",
    "The judge and the jury changed their vision of the matter.",
    "Who knows where the wind will blow tomorrow?",
    "We went west with two wet wolves.",
    "Look, the moon is full, and the town is quiet.",
    "Never mind. Let us begin from the beginning.",
    "He whispered something that nobody could hear.",
    "A big black bug bit a big brown bear.",
    "Put the book back on the shelf, would you?",
    "Seven, eight, nine, ten. Ready or not, here I come!",
    "It hurts here, and here, but only when I laugh.",
    "Young people enjoy loud music, as you know.",
    "My father's favourite vegetable is a huge cauliflower.",
    "Careful! The floor is wet.",
    "Perhaps we should ask somebody who was there.",
    "I am sorry, I did not catch your name.",
    "Sure, you can use my phone for a while.",
    "Beige shoes, azure shirt, and a purple tie: unusual, but why not?",
    "Every evening the fishermen bring their boats home.",
    "What do you think? I think it works.",
    "Do robots dream? Some do, and some only calculate.",
    "Half of the orange is yours, and half of it is mine.",
    "Shh, be quiet, the baby is asleep.",
    "Chew each bite slowly, and then swallow.",
    "The choice is yours: join us, or enjoy the voyage alone.",
    "How now? The loud crowd is out of the house.",
    "Good food, good mood, and a good book in the cool wood.",
    "Few views are as beautiful as this one.",
    "Bob's pipe broke, so Pam mopped up the puddle.",
    "Fifty-five vivid violets give off five fine smells.",
    "The thing is, these things have nothing to do with that.",
    "Strange strong springs stretch through three streets.",
    "Ah! Oh! Hm, maybe.",
    "Zoe's zebra dozes as the bees buzz.",
    "Go on, take your time, nobody is waiting.",
    "It was the best soup I ever had in my life.",
    "Raise your eyebrows, wrinkle your nose, and smile.",
    "Hurry up, the train to the airport leaves in four minutes.",
    "One moment, please, I will be right with you.",
)


def random_text_phonemes(rng: np.random.Generator) -> str:
    """Phonemes of a sentence, now and then of words in random order: transitions that no sentence has."""
    sentence = SENTENCES[int(rng.integers(len(SENTENCES)))]
    if rng.random() < 0.65:
        return phonemes_of(sentence)
    words = " ".join(SENTENCES[int(i)] for i in rng.integers(len(SENTENCES), size=3)).split()
    return phonemes_of(" ".join(words[int(i)] for i in rng.integers(len(words), size=int(rng.integers(2, 9)))))


def random_syllables(syllables: int, rng: np.random.Generator) -> str:
    """Random syllables: consonant, vowel, sometimes a final consonant, now and then a pause."""
    tokens: list[str] = []
    for index in range(syllables):
        if rng.random() < 0.85:
            tokens.append(CONSONANTS[int(rng.integers(len(CONSONANTS)))])
        tokens.append(VOWELS[int(rng.integers(len(VOWELS)))] + ("1" if rng.random() < 0.3 else ""))
        if rng.random() < 0.4:
            tokens.append(CONSONANTS[int(rng.integers(len(CONSONANTS)))])
        if index and rng.random() < 0.06:
            tokens.append("_")
    return " ".join(tokens)
