-- The tables of configs/connectors/postgres-source.json, with a few rows. Whatever changes a row also sets updated_at.
create table users (
    id bigint generated always as identity primary key,
    name text not null,
    email text not null,
    active boolean not null default true,
    updated_at timestamptz not null default now()
);
create index on users (updated_at);

create table orders (
    id bigint generated always as identity primary key,
    user_id bigint not null references users,
    status text not null default 'new',
    amount numeric(10,2) not null,
    updated_at timestamptz not null default now()
);
create index on orders (updated_at);

insert into users (name, email) select 'User ' || n, 'user' || n || '@example.com' from generate_series(1, 100) n;
insert into orders (user_id, amount) select 1 + n % 100, n * 1.25 from generate_series(1, 1000) n;
