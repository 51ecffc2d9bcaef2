export { startCluster } from './cluster.js';
export { startBridge, bridgeProgram, randomSecret, signJwt } from './bridge.js';
export { connectClient } from './client.js';
export { follow } from './follower.js';
export { until, within, sleep } from './wait.js';
export { freePort, run, scratchFolder, serve, top } from './process.js';
export { startAll } from './start.js';
export { isError, isEvent, isGapless, isTimestamp, matches } from './assertions.js';
export { connectSocket } from './socket.js';
