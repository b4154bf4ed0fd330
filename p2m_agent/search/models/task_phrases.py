"""What each task of the Hub is for, in the words of people who ask for it.

A request says what shall come out of what ("write down what was said in a call"), a card says `pipeline_tag`. The
phrases here were written for this project and stand between the two.
"""

from __future__ import annotations

PHRASES: dict[str, tuple[str, ...]] = {
    "text-classification": (
        "classify a text, for example by sentiment, emotion, topic, toxicity, spam or the star rating of a review",
        "find out whether customer reviews and comments are positive or negative",
        "detect offensive language, fake news, or text that a machine wrote; tell which language a text is in",
        "score how well a passage answers a query, or whether a sentence is a question, a statement or a paraphrase",
    ),
    "token-classification": (
        "named entity recognition: extract names of people, organizations, places and dates from text",
        "part-of-speech tagging of a sentence, its nouns, verbs and grammar",
        "restore punctuation, find key words, mask personal data or medical terms in documents",
    ),
    "zero-shot-classification": (
        "classify text into categories that were not seen in training, given as a list of candidate labels",
        "sort articles, messages or products into topics without any labelled training data",
        "natural language inference: whether one sentence follows from another or contradicts it",
    ),
    "question-answering": (
        "answer a question from a given context or passage by extracting the span that holds the answer",
        "a help desk that reads an article or a manual and answers customers' questions about it",
    ),
    "table-question-answering": (
        "answer questions about a table, its rows and columns, as of sales, scores or inventory",
        "ask a spreadsheet or a database in plain words, with numbers added up or counted",
    ),
    "document-question-answering": (
        "answer questions about a scanned document, an invoice, a receipt, a form or a PDF",
        "extract fields such as the total, the date and the number from images of invoices and contracts",
    ),
    "visual-question-answering": (
        "answer a question about a picture: what is in the image, how many, which colour",
        "help blind people by answering what a photo shows",
    ),
    "fill-mask": (
        "predict the missing or masked word in a sentence",
        "fill in the blank, complete a sentence with the right word, auto-correct or suggest words",
    ),
    "summarization": (
        "summarize a long article, report, paper, or meeting into a short version",
        "write a headline or an abstract of a conversation, a dialogue or news",
    ),
    "translation": (
        "translate a text from one language into another, as from English to French",
        "show messages, documents or web pages in the language of the reader",
    ),
    "text2text-generation": (
        "rewrite a text: paraphrase, correct its grammar, make questions from a passage or follow an instruction",
        "turn a sentence into another form, such as a query, code, a title or an answer to a general question",
    ),
    "text-generation": (
        "generate text from a prompt: continue a story, write an article, a poem, a slogan or a post",
        "write program code from a description",
        "creative writing and completion with a large language model",
    ),
    "conversational": (
        "a chatbot that talks with people and keeps up a conversation with context",
        "a virtual assistant or a character that replies to messages in a dialogue",
    ),
    "sentence-similarity": (
        "how similar two sentences or texts are in meaning; find duplicates and related questions",
        "semantic search, recommendation and clustering by sentence embeddings",
        "match a query with the most fitting documents",
    ),
    "feature-extraction": (
        "extract features or embeddings from text, audio, images or code for use by another model",
        "represent data as vectors for later analysis",
    ),
    "image-classification": (
        "classify an image: recognize which animal, plant, product, food or scene a photo shows",
        "tell by a picture whether a thing is broken, a person old or young, a plant sick",
    ),
    "zero-shot-image-classification": (
        "classify images into categories given as text, without training on labelled images",
        "match pictures with captions; tag photos with any labels; guess where a photo was taken",
    ),
    "object-detection": (
        "detect and locate objects in an image with bounding boxes: people, cars, animals, products",
        "find number plates, helmets, tables, defects or intruders in photos and camera streams",
        "find the things in a picture that a text describes",
    ),
    "image-segmentation": (
        "segment an image: which pixels belong to which object, road, building, garment or background",
        "separate the parts of a street scene, satellite or medical image; remove the background",
    ),
    "depth-estimation": (
        "estimate the depth of a scene, how far objects are, from a single image",
        "distances for robots, drones, cars and augmented reality; three-dimensional understanding of a room",
    ),
    "image-to-text": (
        "describe an image in words: generate captions for photos",
        "read the printed or handwritten text in an image (OCR)",
    ),
    "image-to-image": (
        "change an image: sharpen, enlarge, super-resolution, denoise, colour, restore, or apply a style",
        "edit a picture by an instruction; guide the making of an image by edges, poses, depth or a sketch",
    ),
    "text-to-image": (
        "generate an image from a text description, an illustration, a poster, a book cover or concept art",
        "make pictures of a scene that is described in words, in anime or photographic style",
    ),
    "unconditional-image-generation": (
        "generate new images like those of a kind: faces, cats, butterflies, churches, art, without any input",
        "make random realistic pictures for a game, a gallery, wallpapers or data augmentation",
    ),
    "text-to-video": (
        "generate a video clip from a text description",
        "make a short film, an animation or an advertisement from a script",
    ),
    "video-classification": (
        "classify a video: recognize the activity, the sport or the action that people do in it",
        "analyse recordings of surveillance cameras or sports clips for what happens",
    ),
    "automatic-speech-recognition": (
        "transcribe speech to text: write down what is said in calls, podcasts, meetings and videos",
        "subtitles, voice commands and dictation in some language; phonemes of speech",
    ),
    "text-to-speech": (
        "turn text into speech: read it aloud with a natural voice, in some language",
        "make an audiobook, announcements or the voice of an assistant",
    ),
    "audio-to-audio": (
        "improve or change audio: remove noise, enhance speech, separate speakers or sources, convert a voice",
        "translate speech in one language directly into speech in another",
    ),
    "audio-classification": (
        "classify audio: the emotion of a speaker, the language spoken, the kind of sound, music genre, key words",
        "recognize who speaks or which command was spoken",
    ),
    "voice-activity-detection": (
        "detect where somebody speaks in a recording, pauses, overlapping speech and changes of speaker",
        "speaker diarization: who spoke when in a meeting",
    ),
    "tabular-classification": (
        "predict a class from a table of features: who survives, which customer leaves, the quality of wine, fraud",
        "classify rows of structured data, such as flowers by their measures, income above a limit or carbon emissions",
    ),
    "tabular-regression": (
        "predict a number from a table of features: a price, a weight, emissions, demand or energy use",
        "estimate the value of a house or the tip of a customer from structured data",
    ),
    "reinforcement-learning": (
        "train an agent to play a game or control a robot: CartPole, LunarLander, soccer, walking, Atari",
        "an environment with rewards, in which a policy learns which action to take",
    ),
    "robotics": ("control a robot or plan its moves from what its cameras see",),
    "graph-ml": ("predict properties of graphs such as molecules, or links in a network",),
}
"""A Hub pipeline tag to what it is asked for with."""
