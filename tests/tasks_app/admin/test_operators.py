"""Operators: who may sign in to the admin."""

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

pytestmark = pytest.mark.django_db


class TestOperators:
    def test_are_added_with_a_password(self, olga):
        secret = "fox-in-the-snow-7"
        form = {"username": "rita", "usable_password": "true", "password1": secret, "password2": secret}
        assert olga.post(reverse("admin:auth_user_add"), form).status_code == 302
        assert User.objects.get(username="rita").check_password(secret)
