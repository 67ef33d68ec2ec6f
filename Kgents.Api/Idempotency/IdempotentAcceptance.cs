using Kgents.Api.Messages;
using Kgents.Contracts;

namespace Kgents.Api.Idempotency;

/// <summary>
/// Stores a message once, however often and wherever it is sent under its key. Which turn it is, and after which message it belongs, is in the
/// key's entry before anything is published; each request publishes just that, and the fence lets one in.
/// </summary>
internal sealed class IdempotentAcceptance(IdempotencyStore entries, Conversation conversation, TimeProvider time)
{
    public async Task<Acceptance> AcceptAsync(KeyedMessage message, CancellationToken cancellationToken)
    {
        var entry = await entries.ReadAsync(message.EntryKey, cancellationToken);
        var replayed = entry.Record is not null;
        while (entry.Record is null)
        {
            if (await conversation.FindPlaceAsync(message.Tenant, message.Session, cancellationToken) is { } place)
            {
                var record = new IdempotencyRecord(message.BodyHash, TurnId.New(time), place.N, place.Base, time.GetUtcNow());
                if (await entries.TryCreateAsync(message.EntryKey, entry, record, cancellationToken) is { } created)
                {
                    entry = created;
                    break;
                }

                entry = await entries.ReadAsync(message.EntryKey, cancellationToken);
            }
            else
            {
                // Busy, perhaps with this very message; then its entry, which is older than it, is there by now.
                entry = await entries.ReadAsync(message.EntryKey, cancellationToken);
                if (entry.Record is null)
                {
                    return new Acceptance.Busy();
                }
            }

            replayed = true;
        }

        return await StoreAsync(message, entry, replayed, cancellationToken);
    }

    /// <summary>A process that dies before the publish leaves an entry that the next request goes on with.</summary>
    private async Task<Acceptance> StoreAsync(KeyedMessage message, IdempotencyEntry entry, bool replayed, CancellationToken cancellationToken)
    {
        var record = entry.Record!;
        if (record.BodyHash != message.BodyHash)
        {
            return new Acceptance.KeyReused();
        }

        var result = await conversation.StoreAsync(message.Tenant, message.Session, message.ToUserMessage(record), record.Base, cancellationToken);
        if (result.IsStored)
        {
            return new Acceptance.Stored(new TurnAddress(message.Tenant, message.Session, record.Turn), replayed);
        }

        // Another message has the place, so this turn never can be stored by anybody, and the key may stand for a new one. A process that dies
        // before the deletion leaves it to the next request, which finds the same.
        await entries.DeleteAsync(message.EntryKey, entry, cancellationToken);
        return new Acceptance.Busy();
    }
}
