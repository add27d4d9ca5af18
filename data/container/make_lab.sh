#!/usr/bin/env bash
# Run once by the image's entrypoint, when the volume is new and before the server can be reached:
# makes the ordinary role DB_USER and loads the template database that the lab clones for each
# notebook. It is what `labsupport.postgres.ensure_template` makes, under the same name.
#
# Everything stands in functions and a subshell, because an entrypoint that finds no permission to
# execute this file reads it into its own shell instead.

LAB_DATA=${LAB_DATA:-/lab/data}

# Prints twelve hex digits that name the data and the role it belongs to: `_fingerprint` in Python.
lab_fingerprint() (
    LC_ALL=C  # For the order of the files' names.
    {
        printf '%s' "$1"
        for file in "$LAB_DATA"/*; do
            case $file in *.csv | *.sql) cat "$file" ;; esac
        done
    } | sha256sum | cut -c 1-12
)

lab_psql() {
    psql --no-psqlrc --quiet -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" "$@"
}

# The password comes from the environment of psql's shell: a command line can be read by others.
lab_make_role() {
    lab_psql --dbname "$POSTGRES_DB" -v role="$DB_USER" <<'SQL'
\set password `printf %s "$DB_PASSWORD"`
CREATE ROLE :"role" LOGIN CREATEDB PASSWORD :'password';
SQL
}

# It is loaded under another name and renamed at the end, so that a half-loaded one is never used.
lab_make_template() {
    local half=lab_building template
    template=lab_template_$(lab_fingerprint "$DB_USER")
    lab_psql --dbname "$POSTGRES_DB" -v role="$DB_USER" -v half="$half" <<'SQL'
CREATE DATABASE :"half" OWNER :"role" TEMPLATE template0 ENCODING 'UTF8';
SQL
    lab_load "$half"
    lab_psql --dbname "$POSTGRES_DB" -v half="$half" -v template="$template" <<'SQL'
ALTER DATABASE :"half" RENAME TO :"template";
ALTER DATABASE :"template" ALLOW_CONNECTIONS false;
COMMENT ON DATABASE :"template" IS 'Sample data of the Connection Pooling Lab.';
SQL
}

lab_load() {
    local table columns
    {
        printf 'SET ROLE :"role";\nBEGIN;\n'
        printf '\\i %s/schema.sql\n' "$LAB_DATA"
        for table in users profiles orders; do
            columns=$(head -n 1 "$LAB_DATA/$table.csv")
            printf "\\\\copy %s (%s) FROM '%s/%s.csv' WITH (FORMAT csv, HEADER)\n" \
                "$table" "$columns" "$LAB_DATA" "$table"
        done
        printf '\\i %s/after_load.sql\n' "$LAB_DATA"
        printf 'COMMIT;\nRESET ROLE;\nVACUUM (ANALYZE);\n'
    } | lab_psql --dbname "$1" -v role="$DB_USER" >/dev/null
}

# A server that was set up by half would be started as it is the next time; so it is removed.
lab_give_up() {
    trap - EXIT
    echo "The lab's server could not be set up: $1 Then start the container again." >&2
    pg_ctl stop --mode immediate --silent || true
    rm -rf "${PGDATA:?}"/*
    exit 1
}

lab_main() (
    set -euo pipefail
    if [ "$DB_USER" = "$POSTGRES_USER" ]; then
        lab_give_up "$DB_USER is its superuser; write another DB_USER into the file .env."
    fi
    if ! cat "$LAB_DATA"/*.sql "$LAB_DATA"/*.csv >/dev/null 2>&1; then
        lab_give_up "make the folder data/ of the clone readable for everyone."
    fi
    trap 'lab_give_up "the lines above say why; mend that."' EXIT
    lab_make_role
    lab_make_template
    trap - EXIT
)

# A test reads this file for its functions alone.
if [ -z "${LAB_FUNCTIONS_ONLY:-}" ]; then
    lab_main
fi
