"""The map of /api/v1/."""

from django.urls import path, re_path

from . import account, deliveries, endpoints, files, keys, models, outputs, statement, stream, tasks, upload_content, usage
from .view import Nowhere

urlpatterns = [
    path("tasks", tasks.Tasks.as_view()),
    path("tasks/quote", tasks.Quote.as_view()),
    path("tasks/batch", tasks.Batch.as_view()),
    path("tasks/<str:id>", tasks.One.as_view()),
    path("tasks/<str:id>/events", stream.TaskEvents.as_view()),
    path("tasks/<str:id>/cancel", tasks.Cancel.as_view()),
    path("tasks/<str:id>/retry", tasks.Retry.as_view()),
    path("outputs/<str:id>/content", outputs.OutputContent.as_view()),
    path("outputs/<str:id>/thumbnail", outputs.Thumbnail.as_view()),
    path("models", models.Models.as_view()),
    path("models/<path:name>", models.OneModel.as_view()),
    path("files", files.Files.as_view()),
    path("files/<str:id>", files.OneFile.as_view()),
    path("files/<str:id>/complete", files.Complete.as_view()),
    path("uploads/<str:id>", upload_content.UploadContent.as_view()),
    path("files/<str:id>/content", files.FileContent.as_view()),
    path("account", account.TheAccount.as_view()),
    path("account/events", stream.AccountEvents.as_view()),
    path("account/statement", statement.Statement.as_view()),
    path("account/webhook-secret", endpoints.AccountSecret.as_view()),
    path("account/webhook-secret/rotate", endpoints.RotateAccountSecret.as_view()),
    path("keys", keys.Keys.as_view()),
    path("keys/<str:id>", keys.OneKey.as_view()),
    path("usage", usage.Usage.as_view()),
    path("webhook-endpoints", endpoints.Endpoints.as_view()),
    path("webhook-endpoints/<str:id>", endpoints.OneEndpoint.as_view()),
    path("webhook-endpoints/<str:id>/rotate-secret", endpoints.RotateSecret.as_view()),
    path("webhook-endpoints/<str:id>/test", endpoints.SendTest.as_view()),
    path("webhook-deliveries", deliveries.Deliveries.as_view()),
    path("webhook-deliveries/<str:id>", deliveries.OneDelivery.as_view()),
    path("webhook-deliveries/<str:id>/replay", deliveries.Replay.as_view()),
    re_path("", Nowhere.as_view()),
]
