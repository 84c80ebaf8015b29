-- revision: {{revision}}
-- parents:  {{parents}}
-- message:  {{message}}
-- created:  {{created}}
-- author:   {{author}}

-- migrate:up

-- migrate:down
