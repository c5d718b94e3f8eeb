"""The form of the queue's SQLite file."""

from __future__ import annotations

from clipdesk.database import Form

_MIGRATIONS = (
    """
    CREATE TABLE jobs (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        job TEXT NOT NULL,
        folder TEXT NOT NULL,
        skip INTEGER NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('open', 'paused', 'cancelled')),
        created TEXT NOT NULL
    );
    CREATE TABLE units (
        job INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
        position INTEGER NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed')),
        owner TEXT,
        file TEXT,
        reason TEXT,
        PRIMARY KEY (job, position)
    ) WITHOUT ROWID;
    CREATE INDEX units_by_state ON units (state, job, position);
    """,
    """
    ALTER TABLE jobs ADD COLUMN urgent INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE jobs ADD COLUMN place REAL NOT NULL DEFAULT 0;
    ALTER TABLE jobs ADD COLUMN private TEXT;
    ALTER TABLE jobs ADD COLUMN listed INTEGER NOT NULL DEFAULT 1;
    ALTER TABLE jobs ADD COLUMN reason TEXT;
    UPDATE jobs SET place = id;
    """,
)
_COLUMNS = {
    "jobs": "id, job, folder, skip, state, created, urgent, place, private, listed, reason",
    "units": "job, position, state, owner, file, reason",
}
QUEUE = Form("queue", _MIGRATIONS, _COLUMNS, "When ClipDesk is started again, it rescues what it can")
