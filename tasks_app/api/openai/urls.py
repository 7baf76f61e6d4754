"""The map of /v1/."""

from django.urls import path, re_path

from . import images, models, videos
from .view import NoSuchCall

urlpatterns = [
    path("models", models.Models.as_view()),
    path("models/<path:name>", models.OneModel.as_view()),
    path("videos", videos.Videos.as_view()),
    path("videos/<str:id>", videos.OneVideo.as_view()),
    path("videos/<str:id>/content", videos.Content.as_view()),
    path("videos/<str:id>/remix", videos.Remix.as_view()),
    path("images/generations", images.Generations.as_view()),
    path("images/edits", images.Edits.as_view()),
    path("images/<str:id>", images.OneAnswer.as_view()),
    re_path("", NoSuchCall.as_view()),
]
