// A bare WebSocket, for what a stock client does not show: handshake headers, close codes, frames as they are.
import WebSocket from 'ws';
import { until, within } from './wait.js';

// Connects to /app/KEY. headers: of the handshake. Resolves when the server has said connection_established.
export async function connectSocket(bridge, { headers = {}, path = `/app/${bridge.key}?protocol=7&client=test&version=1` } = {}) {
  const socket = new Socket(new WebSocket(`ws://127.0.0.1:${bridge.port}${path}`, { headers }));
  bridge.clients.add(socket);
  await socket.received((m) => m.event === 'pusher:connection_established', 'connection_established');
  return socket;
}

class Socket {
  constructor(ws) {
    this.ws = ws;
    this.messages = []; // parsed, in order
    ws.on('message', (data) => this.messages.push(JSON.parse(String(data))));
    ws.on('error', () => {});
    this.closed = new Promise((resolve) => { ws.on('close', (code, reason) => resolve({ code, reason: String(reason) })); });
  }

  send(message) {
    this.ws.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  // The first message that match accepts, come or yet to come.
  received(match, what) {
    return until(() => this.messages.find(match), what);
  }

  // {code, reason} of the end.
  end(deadline) {
    return within(this.closed, 'the socket to be closed', deadline);
  }

  close() {
    this.ws.terminate();
  }
}
