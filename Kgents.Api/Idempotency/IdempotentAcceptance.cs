using Kgents.Api.Messages;
using Kgents.Api.Plans;
using Kgents.Contracts;

namespace Kgents.Api.Idempotency;

/// <summary>
/// Stores a message once, however often and wherever it is sent under its key. Which turn it is, and after which message it belongs, is in the
/// key's entry before anything is published; each request publishes just that, and the fence lets one in.
/// </summary>
internal sealed class IdempotentAcceptance(IdempotencyStore entries, Conversation conversation, TurnAdmission admission, TimeProvider time)
{
    public async Task<Acceptance> AcceptAsync(KeyedMessage message, CancellationToken cancellationToken)
    {
        var replayed = false;
        while (true)
        {
            var entry = await entries.ReadAsync(message.EntryKey, cancellationToken);
            replayed |= entry.Record is not null;
            var acceptance = entry.Record is null ? await DecideAsync(message, entry, cancellationToken)
                : entry.Record.BodyHash != message.BodyHash ? new Acceptance.KeyReused()
                : await StoreAsync(message, entry, replayed, cancellationToken);
            if (acceptance is not null)
            {
                return acceptance;
            }
        }
    }

    /// <summary>Creates the entry of a free key, and stores its message; null when another request has changed the entry.</summary>
    private async Task<Acceptance?> DecideAsync(KeyedMessage message, IdempotencyEntry free, CancellationToken cancellationToken)
    {
        var place = await conversation.FindPlaceAsync(message.Message.Tenant, message.Message.Session, cancellationToken);
        if (conversation.WhyNot(place, message.Message.WhenBusy) is { } refusal)
        {
            // Busy, perhaps with this very message; then its entry, which is older than it, is there by now.
            return (await entries.ReadAsync(message.EntryKey, cancellationToken)).Record is null ? refusal : null;
        }

        var record = new IdempotencyRecord(message.BodyHash, TurnId.New(time), place.N, place.Base, time.GetUtcNow());
        return await entries.TryPutAsync(message.EntryKey, free, record, cancellationToken) is { } created
            ? await StoreAsync(message, created, replayed: false, cancellationToken)
            : null;
    }

    /// <summary>
    /// Stores what the entry says; null when that is to be tried again. A process that dies before the publish leaves an entry that the next
    /// request goes on with.
    /// </summary>
    private async Task<Acceptance?> StoreAsync(KeyedMessage message, IdempotencyEntry entry, bool replayed, CancellationToken cancellationToken)
    {
        var (record, target) = (entry.Record!, message.Message);

        // Not for a message that is stored already: its turn may have ended, and been settled.
        if (!(replayed && target.TokenQuota is not null && await conversation.IsTakenAsync(target, record.Base, cancellationToken)))
        {
            if (await admission.ReserveAsync(target, record.Turn, cancellationToken) is { } overQuota)
            {
                // The entry stays: it promises a turn that the next request, or another one at this moment, may find room for, and store.
                return overQuota;
            }

            if (await Conversation.PrepareAsync(target, cancellationToken) is { } gone)
            {
                await admission.ReleaseAsync(target, record.Turn, cancellationToken);
                return gone;
            }
        }

        var result = await conversation.StoreAsync(target, message.ToUserMessage(record), record.Base, cancellationToken);
        if (result.IsStored)
        {
            return new Acceptance.Stored(new TurnAddress(target.Tenant, target.Session, record.Turn), result.Sequence, replayed);
        }

        // Another message has the place, so nobody can store this one there any more: it gets a new place, or the key may stand for a new turn. A
        // process that dies before that leaves it to the next request, which finds the same.
        var place = await conversation.FindPlaceAsync(target.Tenant, target.Session, cancellationToken);
        var refusal = result.Winner is null ? new Acceptance.SessionGone()
            : target.WhenBusy == BusyPolicy.Reject ? new Acceptance.Busy()
            : conversation.WhyNot(place, target.WhenBusy);
        if (refusal is null)
        {
            await entries.TryPutAsync(message.EntryKey, entry, record with { N = place.N, Base = place.Base }, cancellationToken);
            return null;
        }

        return await RefuseAsync(message, entry, refusal, cancellationToken);
    }

    /// <summary>
    /// Null when that is to be tried again: another request gave the message a new place since the entry was read, and may have stored it there, so that the session is busy with
    /// this very message.
    /// </summary>
    private async Task<Acceptance?> RefuseAsync(KeyedMessage message, IdempotencyEntry entry, Acceptance refusal, CancellationToken cancellationToken)
    {
        if (!await entries.TryDeleteAsync(message.EntryKey, entry, cancellationToken))
        {
            return null;
        }

        await admission.ReleaseAsync(message.Message, entry.Record!.Turn, cancellationToken);
        return refusal;
    }
}
