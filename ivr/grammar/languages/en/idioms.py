"""English phrases of several words that mean yes or no, though their words may not: "why not", "no doubt"."""

YES_IDIOMS = (
    "why not", "no problem", "no problem at all", "not a problem", "no worries", "sounds good", "go ahead",
    "by all means", "for sure", "that works", "you bet", "i think so", "i guess so", "yes it is",
    "thats right", "thats correct", "that is right", "that is correct", "its correct", "its right",
    "of course", "not a bad idea", "i dont mind", "i dont mind at all", "i dont see why not",
    "dont see why not", "please do", "i do", "go for it", "no doubt", "no doubt about it",
    "without a doubt", "thats the one", "spot on", "you got it", "you have got it", "fine by me",
    "fine with me", "works for me", "good idea", "that would be great", "that would be good",
    "that would be fine", "that would be nice", "id love to", "id like that", "i would like that",
    "no objection", "no objections", "nothing wrong with that", "thatll do", "that will do",
    "nothing against it", "no issue", "no trouble", "no bother", "all right", "mm hmm", "uh huh", "mm hm",
    "very much so", "lets do it", "lets do that", "yes indeed", "its fine", "thats fine", "sounds great",
    "sounds fine", "sounds right", "looks good", "couldnt be better", "cant complain", "no harm in that",
    "i dont see a problem", "i dont see any problem", "i see no problem", "i dont have a problem with that",
    "i have no problem with that", "be my guest", "you got that right", "thatd be lovely", "thatd be great",
    "thatd be good", "thatd be fine", "that would be lovely", "sounds about right", "thats about right",
    "suits me", "that suits me", "it suits me",
)  # fmt: skip
NO_IDIOMS = (
    "of course not", "certainly not", "absolutely not", "not at all", "no thank you", "no way",
    "no its not", "thats not right", "thats not correct", "i dont think so", "i think not", "id rather not",
    "definitely not", "sure not", "not okay", "not ok", "not right", "not correct", "not fine", "not good",
    "im afraid not", "not really", "not exactly", "not quite", "not yes", "no i dont", "i do not",
    "i do not think so", "it is not", "it isnt", "its not", "i am not", "im not", "it doesnt",
    "it does not", "we dont", "not today", "not now", "nuh uh", "no chance", "not a chance", "not for me",
    "id rather you didnt", "i would rather you didnt", "id rather you did not", "of course i dont",
    "of course it isnt", "of course its not", "doesnt suit me",
    "does not suit me", "that isnt right", "that is not right", "that is not correct",
    "that is wrong", "thats wrong", "please dont", "do not", "nothing of the sort",
    "under no circumstances", "by no means", "no more", "far from it", "not the right one", "thats not it",
    "that doesnt work", "that does not work", "doesnt work for me", "not good for me",
)  # fmt: skip
NEITHER_IDIOMS = (
    "i dont know", "i do not know", "dont know", "not sure", "im not sure", "i am not sure", "no idea",
    "no clue", "i have no idea", "maybe not", "maybe", "yes and no", "i dont care", "i do not care",
    "it doesnt matter", "i dont understand", "i did not understand", "i didnt understand",
    "dont understand", "i didnt hear",
)  # fmt: skip
