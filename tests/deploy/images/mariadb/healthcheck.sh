#!/bin/sh
[ "$(mariadb --skip-column-names -e 'SELECT @@skip_networking')" = 0 ]
