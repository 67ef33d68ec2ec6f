// OpenMeter's own JavaScript SDK, against whatever the first argument names. Prints what it found, as JSON; throws at the first surprise.
import { OpenMeter } from '@openmeter/sdk'

const [baseUrl, good, bad] = process.argv.slice(2)
const client = new OpenMeter({ baseUrl, apiKey: good })
const stranger = new OpenMeter({ baseUrl, apiKey: bad })
const event = (id, tokens, more) => ({ id, source: 'urn:sdk', type: 'prompt', subject: 'acme', data: { tokens }, ...more })

const refusal = async (promise) => {
  try {
    await promise
    return 'accepted'
  } catch (error) {
    return { status: error.status, type: error.type, title: error.title, detail: error.detail ?? error.message }
  }
}

// Two events of one id count once; the SDK adds id, source, specversion and time where they are missing.
await client.events.ingest(event('one', '100'))
await client.events.ingest([event('two', '20'), event('three', '3'), event('one', '100')])
await client.events.ingest({ type: 'prompt', subject: 'acme', data: { tokens: '1' } })

const listed = await client.events.listV2({ filter: JSON.stringify({ id: { $in: ['one', 'two', 'nothing'] }, source: { $in: ['urn:sdk'] } }), limit: 100 })
console.log(JSON.stringify({
  listed: listed.items.map((item) => [item.event.id, item.event.subject, item.event.data.tokens, typeof item.ingestedAt, typeof item.storedAt]).sort(),
  all: (await client.events.listV2({ limit: 100 })).items.length,
  refusedSubject: await refusal(client.events.ingest([event('four', '1'), event('five', '1', { subject: '' })])),
  refusedData: await refusal(client.events.ingest(event('six', '1', { data: 'text' }))),
  refusedKey: await refusal(stranger.events.ingest(event('seven', '1'))),
}))
