-- Who is signed in to the console: the hash of the cookie, and of the token that it stands for.
create table console_sessions (
    session text primary key not null,
    token text not null,
    until bigint not null
);
create index console_sessions_until on console_sessions (until);
