// Writers: they send through SQL, in many ways, and note what they sent in a table of their own in the very same
// transaction. So the table `committed` is what was committed, whatever a writer was told or not told.
//
//     committed (player_id, seq, message_text)     one row for each message
import pg from 'pg';
import { sleep } from '../../lib/index.js';

export const COMMITTED = `CREATE TABLE committed (player_id text, seq bigint, message_text text NOT NULL,
  PRIMARY KEY (player_id, seq))`;

const SEND = `INSERT INTO committed SELECT $1, seq, $2 FROM unichat_send($1, $2, $3, $4)`;

// How a writer sends, and how often.
const WAYS = { one: 60, several: 10, rolledBack: 7, savepoint: 6, heldOpen: 3, status: 8, large: 4, rows: 2 };
const PREPARING = { ...WAYS, twoPhase: 5 };

// servers(): [{host, port}] to try in turn. rate: transactions a second of all writers together. prepares: whether some are prepared,
// which a transaction that notifies by itself cannot be.
export function startWriters({ servers, database, players, count, rate, random, prepares = false }) {
  const writers = Array.from({ length: count }, (_, n) => new Writer(n, servers, database, players, random.fork(), prepares ? PREPARING : WAYS));
  for (const writer of writers) writer.done = writer.run((1000 * count) / rate);
  return {
    prepares,
    get prepared() { return writers.reduce((sum, one) => sum + one.prepared, 0); },
    get sent() { return writers.reduce((sum, one) => sum + one.sent, 0); },
    get failed() { return writers.reduce((sum, one) => sum + one.failed, 0); },
    get errors() { return new Set(writers.flatMap((one) => [...one.errors])); },
    async stop() {
      for (const writer of writers) writer.stopping = true;
      await Promise.all(writers.map((one) => one.done));
    },
  };
}

class Writer {
  constructor(number, servers, database, players, random, ways) {
    Object.assign(this, { number, servers, database, players, random, ways, sent: 0, prepared: 0, failed: 0, errors: new Set(), serial: 0 });
  }

  async run(pause) {
    while (!this.stopping) {
      const begun = Date.now();
      try {
        this.client ??= await this.connect();
        await this[this.random.weighted(this.ways)]();
      } catch (error) {
        await this.recover(error);
      }
      await sleep(Math.max(0, this.random.next() * 2 * pause - (Date.now() - begun)));
    }
    await this.client?.end().catch(() => {});
  }

  async connect() {
    const servers = this.servers();
    const server = servers[this.failed % servers.length];
    const client = new pg.Client({ ...server, database: this.database, user: 'postgres', connectionTimeoutMillis: 2000 });
    client.on('error', () => {});
    await client.connect();
    const { rows: [{ readonly }] } = await client.query(`SELECT current_setting('transaction_read_only') = 'on' AS readonly`);
    if (!readonly) {
      await this.commitPrepared(client);
      return client;
    }
    await client.end();
    throw new Error('a standby');
  }

  // What it had prepared when it lost its connection: it holds the locks of its players.
  async commitPrepared(client) {
    const { rows } = await client.query('SELECT gid FROM pg_prepared_xacts WHERE gid LIKE $1', [`w${this.number}.%`]);
    for (const { gid } of rows) await client.query(`COMMIT PREPARED '${gid}'`);
  }

  // A refusal by the rules costs nothing; after anything else the connection is not to be trusted.
  async recover(error) {
    if (/^UC/.test(error.code || '')) {
      await this.client.query('ROLLBACK').catch(() => {});
      return;
    }
    this.failed++;
    this.errors.add(`${error.code || ''} ${error.message}`);
    const { client } = this;
    this.client = null;
    client?.end().catch(() => {});
    await sleep(50);
  }

  text(length = 0) {
    return `w${this.number}.${++this.serial} `.padEnd(length, 'añ→𝄞');
  }

  async send(player = this.random.pick(this.players), text = this.text()) {
    const staff = this.random.next() < 0.3;
    await this.client.query(SEND, [player, text, 'player', null]);
    if (staff) await this.client.query(SEND, [player, this.text(), 'system', 'chaos']);
    this.sent++;
  }

  // In the order of names, as two writers that take them in different orders would wait for each other.
  async sendSeveral() {
    const players = Array.from({ length: this.random.between(2, 5) }, () => this.random.pick(this.players)).sort();
    for (const player of players) await this.send(player);
  }

  async transaction(body, end = 'COMMIT') {
    await this.client.query('BEGIN');
    await body();
    await this.client.query(end);
  }

  one() {
    return this.client.query(SEND, [this.random.pick(this.players), this.text(), 'player', null]).then(() => { this.sent++; });
  }

  several() {
    return this.transaction(() => this.sendSeveral());
  }

  rolledBack() {
    return this.transaction(() => this.sendSeveral(), 'ROLLBACK');
  }

  savepoint() {
    const player = this.random.pick(this.players);
    return this.transaction(async () => {
      await this.send(player);
      await this.client.query('SAVEPOINT here');
      await this.send(player);
      await this.client.query('ROLLBACK TO here');
      await this.send(player);
    });
  }

  // Holds its xid open while others commit; locks no player meanwhile.
  heldOpen() {
    return this.transaction(async () => {
      await this.client.query('SELECT pg_current_xact_id()');
      await sleep(this.random.between(100, 1500));
      await this.send();
    });
  }

  async twoPhase() {
    const gid = `w${this.number}.${++this.serial}`;
    await this.transaction(() => this.sendSeveral(), `PREPARE TRANSACTION '${gid}'`);
    await sleep(this.random.between(0, 200));
    await this.client.query(`COMMIT PREPARED '${gid}'`);
    this.prepared++;
  }

  async status() {
    const player = this.random.pick(this.players);
    const to = this.random.pick(['in_progress', 'in_progress', 'waiting', 'resolved']);
    await this.client.query(`SELECT unichat_status(id, $2, 'staff-1') FROM chat_requests WHERE player_id = $1 AND status <> 'resolved'`,
      [player, to]);
  }

  // Over what a notification can carry.
  large() {
    return this.send(undefined, this.text(this.random.between(1800, 3900)));
  }

  // A plain INSERT of several rows.
  async rows() {
    const player = this.random.pick(this.players);
    await this.client.query(`WITH sent AS (INSERT INTO chat_messages (player_id, message_text)
        SELECT $1, $2 || n FROM generate_series(1, 3) n RETURNING player_id, seq, message_text)
      INSERT INTO committed SELECT * FROM sent`, [player, this.text()]);
    this.sent++;
  }
}
