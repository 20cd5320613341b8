-- What one server knows of itself: secrets and keys, made at the first start.
CREATE TABLE settings (
    name  TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
);

CREATE TABLE rooms (
    code       TEXT PRIMARY KEY NOT NULL,
    name       TEXT NOT NULL,
    -- Milliseconds since 1970 UTC.
    created_at BIGINT NOT NULL
);

-- `sequence` is the order of acceptance; pages are cut by it, because clocks can go back and ids come from clocks.
CREATE TABLE chat_messages (
    sequence     INTEGER PRIMARY KEY AUTOINCREMENT,
    id           TEXT NOT NULL UNIQUE,
    room         TEXT NOT NULL REFERENCES rooms (code),
    participant  TEXT NOT NULL,
    username     TEXT NOT NULL,
    content      TEXT NOT NULL,
    content_type TEXT NOT NULL,
    -- Milliseconds since 1970 UTC.
    sent_at      BIGINT NOT NULL
);

CREATE INDEX chat_messages_by_room ON chat_messages (room, sequence);
