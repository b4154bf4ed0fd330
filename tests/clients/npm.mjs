// The npm clients as their users write them; the only thing changed is the base URL. Prints one JSON object.
import OpenAI from 'openai';
import { generateObject, generateText, streamText } from 'ai';
import { createOpenAI } from '@ai-sdk/openai';
import { z } from 'zod';

const baseURL = process.argv[2];
const found = {};
const client = new OpenAI({ baseURL, apiKey: 'none' });
const messages = [{ role: 'user', content: 'my invoice' }];
found.openai_chat = (await client.chat.completions.create({ model: 'm', messages })).choices[0].message.content;
found.openai_responses = (await client.responses.create({ model: 'm', input: 'my invoice' })).output_text;
found.openai_stream = '';
for await (const chunk of await client.chat.completions.create({ model: 'm', messages, stream: true })) {
  found.openai_stream += chunk.choices[0].delta.content ?? '';
}

const provider = createOpenAI({ baseURL, apiKey: 'none' });
const schema = z.object({ queue: z.enum(['billing', 'delivery']) });
for (const [name, model] of [['responses', provider('m')], ['chat', provider.chat('m')]]) {
  found[`ai_${name}_text`] = (await generateText({ model, prompt: 'my invoice' })).text;
  found[`ai_${name}_object`] = (await generateObject({ model, schema, prompt: 'my invoice' })).object.queue;
  found[`ai_${name}_stream`] = '';
  for await (const piece of streamText({ model, prompt: 'my invoice' }).textStream) {
    found[`ai_${name}_stream`] += piece;
  }
}
console.log(JSON.stringify(found));
