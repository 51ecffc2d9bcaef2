// A streaming standby of a cluster, and the change of roles.
import { freePort, run, scratchFolder, top, until } from '../../lib/index.js';

const SERVER_USER = process.env.PGUSER_OS || 'postgres';

// A synchronous standby: what a client was told is committed is on both. Returns it, streaming.
export async function startStandby(primary) {
  const folder = scratchFolder('pg');
  if (process.getuid() === 0) run('chown', [SERVER_USER, folder]);
  const standby = new primary.constructor(primary.bin, folder, primary.database, await freePort());
  primary.program('pg_basebackup', ['-d', primary.tcpDsn, '-D', standby.data, '-R', '-c', 'fast', '-X', 'stream']);
  run('sh', ['-c', `printf '%s\\n' "port = ${standby.port}" "unix_socket_directories = '${folder}'" >>'${standby.data}/postgresql.conf'`]);
  await standby.start();
  await synchronize(primary);
  return standby;
}

async function synchronize(primary) {
  primary.psql(`ALTER SYSTEM SET synchronous_standby_names = '*'`);
  primary.psql('SELECT pg_reload_conf()');
  await inSync(primary);
}

export function inSync(primary) {
  return until(() => primary.psql(`SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync' AND state = 'streaming'`).trim() === '1',
    'the standby to be in sync');
}

// Makes the standby the primary. The old primary must be gone.
export async function promote(standby) {
  run(`${top}/scripts/as-postgres.sh`, [`${standby.bin}/pg_ctl`, 'promote', '-w', '-D', standby.data]);
  await until(() => standby.psql('SELECT pg_is_in_recovery()').trim() === 'f', 'the standby to be the primary');
}

// Both as one libpq connection string; the bridge itself asks for the one that takes writes.
export function bothDsn(first, second, ports = [first.port, second.port]) {
  return `host=127.0.0.1,127.0.0.1 port=${ports.join(',')} dbname=${first.database} user=postgres`;
}
