"""The URL map."""

from django.contrib import admin
from django.urls import include, path
from django.views.decorators.gzip import gzip_page
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from tasks_app.callbacks import hook
from tasks_app.exposition import page as metrics
from tasks_app.studio import page as studio
from tasks_app.studio.session import Session

from .health import healthz, readyz

urlpatterns = [
    path("api/v1/", include("tasks_app.api.urls")),  # the first to be tried, for it is asked most
    path("v1/", include("tasks_app.api.openai.urls")),
    path("hooks/<str:provider>/<str:secret>/<str:token>", hook),
    path("healthz", healthz),
    path("readyz", readyz),
    path("metrics", metrics),
    path("admin/", admin.site.urls),
    path("studio/", studio.page, name="studio"),
    path("studio", studio.to_page),
    path("studio/session", Session.as_view()),
    path("api/schema/", gzip_page(SpectacularAPIView.as_view()), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
]
