// A real unichat-bridge for one test: its configuration file, its secrets in files, its process, its HTTP side.
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { freePort, removeFolder, run, scratchFolder, serve, top } from './process.js';
import { until, within } from './wait.js';

// Settings that name a secret: the harness writes each into a file of mode 0600 and configures <name>_file.
const SECRETS = ['app_secret', 'jwt_secret', 'jwt_keys', 'onesignal_api_key', 'demo_password', 'metrics_token'];

// Tests are faster than people: what limits a person's pace is off, unless a test sets it.
const UNLIMITED = {
  player_messages: 0, player_new_requests: 0, caller_requests: 0, failed_tokens: 0,
  max_identity_sockets: 0, max_address_sockets: 0, identity_messages: 0,
};

// The executable under test, built first unless the caller of all tests has done so.
export function bridgeProgram() {
  if (process.env.UNICHAT_BRIDGE) return path.resolve(top, process.env.UNICHAT_BRIDGE);
  run('flock', [path.join(top, 'build/.bridge.lock'), 'make', '-s', '-C', path.join(top, 'bridge')]);
  return path.join(top, 'build/unichat-bridge');
}

// settings: the bridge's own, by name; a value null leaves the setting out. env: more environment. wait: whether to wait
// for /readyz, which needs the database.
export async function startBridge(cluster, settings = {}, { env = {}, wait = true, sections = '' } = {}) {
  const bridge = new Bridge(cluster, settings, env, sections, await freePort());
  await bridge.start(wait);
  return bridge;
}

class Bridge {
  constructor(cluster, settings, env, sections, port) {
    this.program = bridgeProgram();
    this.clients = new Set(); // of client.js, closed with the bridge: a stock client would try to reconnect for ever
    this.folder = scratchFolder('bridge');
    this.logFile = path.join(this.folder, 'bridge.log');
    this.configFile = path.join(this.folder, 'unichat-bridge.conf');
    this.env = { ...withoutSettings(process.env), ...env };
    this.sections = sections;
    this.settings = {
      listen_address: '127.0.0.1', listen_port: port, database: cluster ? cluster.bridgeDsn : null, app_id: 'unichat',
      app_key: 'unichat-key', app_secret: randomSecret(), jwt_secret: randomSecret(), web_root: path.join(top, 'build/web'),
      ...UNLIMITED, ...settings,
    };
    this.port = this.wsPort = Number(this.settings.listen_port);
    this.key = this.settings.app_key;
    this.appId = this.settings.app_id;
    this.url = `http://127.0.0.1:${this.port}`;
    this.configure({});
  }

  secret(name) {
    return this.settings[name];
  }

  // Changes settings in the file; a running bridge reads it on SIGHUP or when it starts again.
  configure(changes) {
    Object.assign(this.settings, changes);
    let text = '';
    for (const [name, value] of Object.entries(this.settings)) {
      if (value === null || value === undefined) continue;
      if (SECRETS.includes(name)) {
        const file = path.join(this.folder, name);
        fs.writeFileSync(file, `${value}\n`, { mode: 0o600 });
        text += `${name}_file = ${file}\n`;
      } else {
        text += `${name} = ${value}\n`;
      }
    }
    fs.writeFileSync(this.configFile, text + this.sections);
  }

  async start(wait = true) {
    this.process = serve(this.program, ['--config', this.configFile], { logFile: this.logFile, env: this.env });
    this.pid = this.process.pid;
    const which = wait ? '/readyz' : '/healthz';
    let gone;
    this.process.exited.then((how) => { gone = how; });
    try {
      await until(async () => gone || (await fetch(this.url + which)).status === 200, `${which} of the bridge to be 200`);
    } catch (error) {
      throw new Error(`${error.message}\n${this.log()}`);
    }
    if (gone) throw new Error(`the bridge ended with ${JSON.stringify(gone)}:\n${this.log()}`);
  }

  log() {
    return fs.readFileSync(this.logFile, 'utf8');
  }

  running() {
    return this.process.exitCode === null && this.process.signalCode === null;
  }

  // Sends a signal; with end, waits for the process to end and returns {code, signal}.
  async kill(signal = 'SIGKILL', { end = signal !== 'SIGHUP' } = {}) {
    const { process: child } = this;
    child.kill(signal);
    return end ? within(child.exited, `the bridge to end after ${signal}`, 60000) : null;
  }

  // SIGHUP, and until it has read its configuration again.
  async reloaded() {
    const count = () => this.log().split('event=reloaded').length;
    const before = count();
    this.process.kill('SIGHUP');
    await until(() => count() > before, 'the bridge to reload');
  }

  // Starts it again on the same port with the same secrets; kills it first where it still runs.
  async restart(wait = true) {
    if (this.running()) await this.kill('SIGKILL');
    await this.start(wait);
  }

  async stop() {
    for (const client of this.clients) client.close();
    if (this.running()) await this.kill('SIGKILL');
    removeFolder(this.folder);
  }

  // A token as the app's login would issue it. Further claims, or other values of these, in `claims`; key: signed by another.
  token(role, sub, name = null, claims = {}, key = this.settings.jwt_secret) {
    const now = Math.floor(Date.now() / 1000);
    const payload = { role, sub, iat: now, exp: now + 3600, ...claims };
    if (name !== null) payload.name = name;
    return signJwt({ alg: 'HS256', typ: 'JWT' }, payload, key);
  }

  // One HTTP request. body: an object goes as JSON; a string or Buffer goes as it is. Returns {status, headers, body}, the
  // body parsed where it is JSON.
  async api(method, pathName, { token, body, headers = {}, redirect = 'manual' } = {}) {
    const sent = { ...headers };
    if (token) sent.authorization = `Bearer ${token}`;
    const json = body !== undefined && typeof body !== 'string' && !Buffer.isBuffer(body);
    if (json) sent['content-type'] ??= 'application/json';
    const answer = await fetch(this.url + pathName, { method, headers: sent, body: json ? JSON.stringify(body) : body, redirect });
    const text = await answer.text();
    const isJson = (answer.headers.get('content-type') || '').startsWith('application/json');
    return { status: answer.status, headers: answer.headers, body: isJson && text ? JSON.parse(text) : text };
  }

  // The sum of a metric's samples, or of those whose labels contain `labels`; NaN when there is none.
  async metric(name, labels = '') {
    const { body } = await this.api('GET', '/metrics');
    const values = body.split('\n').filter((line) => line.startsWith(name) && /^[ {]/.test(line.slice(name.length)) && line.includes(labels))
      .map((line) => Number(line.split(' ').pop()));
    return values.length ? values.reduce((sum, value) => sum + value, 0) : NaN;
  }
}

// The bridge takes settings from UNICHAT_…; what the test was started with is not meant for it.
function withoutSettings(env) {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('UNICHAT_')));
}

export function randomSecret() {
  return crypto.randomBytes(24).toString('base64url');
}

export function signJwt(header, payload, key) {
  const encode = (part) => Buffer.from(JSON.stringify(part)).toString('base64url');
  const text = `${encode(header)}.${encode(payload)}`;
  return `${text}.${crypto.createHmac('sha256', key).update(text).digest('base64url')}`;
}
