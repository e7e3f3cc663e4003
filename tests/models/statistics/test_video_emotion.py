from emotion.models.statistics.video_emotion import VideoEmotion, video_emotion

MEAN = {"joy": 0.5, "calm": 0.3, "fear": 0.2}


def test_the_largest_mean_names_the_video():
    assert video_emotion(MEAN, {"joy": 0.6, "calm": 0.4}) == VideoEmotion("joy", "joy", 0.5)


def test_a_low_mean_names_nothing():
    low = {"joy": 0.33, "calm": 0.33, "fear": 0.34 - 1e-9}
    assert video_emotion(low, {"joy": 1.0}) == VideoEmotion("uncertain", "fear", 0.34 - 1e-9)


def test_a_video_whose_faces_are_uncertain_is_uncertain():
    assert video_emotion(MEAN, {"joy": 0.1, "uncertain": 0.2, "no_face": 0.7}).label == "uncertain"
    assert video_emotion(MEAN, {"joy": 0.3, "uncertain": 0.2, "no_face": 0.5}).label == "joy"
