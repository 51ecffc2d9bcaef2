// A private PostgreSQL cluster with the extension, for one test file.
//
// The server is a child of the test, in the foreground, so that signals are the real ones: stop('fast') is SIGINT,
// stop('immediate') is SIGQUIT, kill9() is SIGKILL of the postmaster.
import fs from 'node:fs';
import path from 'node:path';
import pg from 'pg';
import { freePort, isRoot, removeFolder, run, scratchFolder, serve, top } from './process.js';
import { until } from './wait.js';

const SIGNALS = { smart: 'SIGTERM', fast: 'SIGINT', immediate: 'SIGQUIT' };
const SERVER_USER = process.env.PGUSER_OS || 'postgres';

// config: lines of postgresql.conf as {name: value}. schema: where the extension goes; null: not created.
// database: the database's name. The durability that only an operating system's crash would need is off.
export async function startCluster({ config = {}, schema = 'public', database = 'chat' } = {}) {
  const bin = run(path.join(top, 'scripts/private-pg.sh'), []).trim();
  const folder = scratchFolder('pg');
  if (isRoot) run('chown', [SERVER_USER, folder]);
  const cluster = new Cluster(bin, folder, database, await freePort());
  cluster.initialize(config);
  await cluster.start();
  cluster.psql(`CREATE DATABASE "${database}"`, { database: 'postgres' });
  if (schema !== null) {
    if (schema !== 'public') cluster.psql(`CREATE SCHEMA "${schema}"`);
    cluster.psql(`CREATE EXTENSION unichat SCHEMA "${schema}"`);
    cluster.psql(`ALTER DATABASE "${database}" SET search_path = "${schema}", public`);
    cluster.psql('CREATE ROLE chat_bridge LOGIN IN ROLE unichat_bridge'); // the bridge of every test, so all of them show that it suffices
    cluster.bridgeDsn = cluster.dsn.replace('user=postgres', 'user=chat_bridge');
  }
  return cluster;
}

class Cluster {
  constructor(bin, folder, database, port) {
    Object.assign(this, { bin, folder, database, port });
    this.data = path.join(folder, 'data');
    this.logFile = path.join(folder, 'postgres.log');
    this.dsn = this.bridgeDsn = this.dsnFor(database);
    this.tcpDsn = `host=127.0.0.1 port=${port} dbname=${database} user=postgres`;
  }

  dsnFor(database) {
    return `host=${this.folder} port=${this.port} dbname=${database} user=postgres`;
  }

  // Runs one of PostgreSQL's programs as the server's user.
  program(name, args, options) {
    return run(path.join(top, 'scripts/as-postgres.sh'), [path.join(this.bin, name), ...args], options);
  }

  initialize(config) {
    this.program('initdb', ['-D', this.data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8', '-N']);
    const settings = {
      listen_addresses: '127.0.0.1', port: this.port, unix_socket_directories: this.folder, fsync: 'off',
      full_page_writes: 'off', max_connections: 60, shared_buffers: '64MB', log_line_prefix: '%m [%p] %a ', ...config,
    };
    const lines = Object.entries(settings).map(([name, value]) => `${name} = '${String(value).replaceAll("'", "''")}'\n`);
    fs.appendFileSync(path.join(this.data, 'postgresql.conf'), lines.join(''));
  }

  async start() {
    this.server = serve(path.join(this.bin, 'postgres'), ['-D', this.data],
      { logFile: this.logFile, user: SERVER_USER, orphaned: 'QUIT' });
    let gone;
    this.server.exited.then((how) => { gone = how; });
    await until(() => {
      if (gone) return 'gone';
      return this.program('pg_isready', ['-q', '-h', this.folder, '-p', String(this.port)], { mayFail: true }).status === 0;
    }, 'PostgreSQL to accept connections', 60000);
    if (gone) throw new Error(`PostgreSQL did not start:\n${this.log()}`);
  }

  log() {
    return fs.readFileSync(this.logFile, 'utf8');
  }

  // SQL through psql, the way a person types it; what it prints, unaligned. Options: database, args, mayFail.
  psql(sql, { database = this.database, args = [], mayFail = false } = {}) {
    return this.program('psql', ['-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-d', this.dsnFor(database), '-f', '-', ...args],
      { input: sql, mayFail });
  }

  // A connection of its own (a pg.Client), for transactions. Closed by its user or with the cluster.
  async connect() {
    const client = new pg.Client({ host: this.folder, port: this.port, database: this.database, user: 'postgres' });
    client.on('error', () => {}); // the server may be stopped under it; the next query says so
    await client.connect();
    return client;
  }

  // One statement on the cluster's own connection, made again after a restart; returns the rows.
  async query(sql, params = []) {
    if (!this.client) {
      const client = await this.connect();
      client.once('end', () => { if (this.client === client) this.client = null; });
      this.client = client;
    }
    return (await this.client.query(sql, params)).rows;
  }

  async halt(signal) {
    const { server } = this;
    if (!server) return;
    this.server = null;
    const { client } = this;
    this.client = null;
    if (client && signal !== 'SIGKILL') await client.end().catch(() => {});
    server.kill(signal);
    await server.exited;
  }

  // Stops the server only; start() starts it again with its data.
  async down(mode = 'fast') {
    await this.halt(SIGNALS[mode]);
  }

  async restart(mode = 'fast') {
    await this.down(mode);
    await this.start();
  }

  // SIGKILL to the postmaster; its children follow by themselves, and only then may it start again.
  async kill9() {
    const backends = run('pgrep', ['-P', String(this.server.pid)]).trim().split('\n');
    await this.halt('SIGKILL');
    await until(() => !backends.some((pid) => fs.existsSync(`/proc/${pid}`)), 'the backends to end');
  }

  // The end: server stopped, folder removed.
  async stop(mode = 'immediate') {
    await this.halt(SIGNALS[mode]);
    removeFolder(this.folder);
  }
}
