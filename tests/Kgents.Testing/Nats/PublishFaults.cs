namespace Kgents.Testing;

internal enum PublishVerdict
{
    Forward,
    ForwardAndDropReply,
    CutBeforeForward,
    CutBeforeReply,

    /// <summary>The cut was already there: to the client, nobody listens.</summary>
    Refuse,
}

/// <summary>What a test has asked the proxy to break, and what went through. One lock orders all connections.</summary>
internal sealed class PublishFaults
{
    private readonly Lock _gate = new();
    private readonly RecentItems<string> _subjects = new(10_000);
    private Cut? _cut;
    private Func<string, bool>? _dropReply;
    private Func<string, bool>? _dropMessage;
    private (Func<string, bool> SubjectFilter, PublishHold Hold)? _hold;
    private bool _isCut;
    private int _droppedReplies;

    public IReadOnlyList<string> Subjects => _subjects.Snapshot();

    public int DroppedReplies => Volatile.Read(ref _droppedReplies);

    public bool IsCut
    {
        get
        {
            lock (_gate)
            {
                return _isCut;
            }
        }
    }

    public void CutAt(int publish, CutPoint point, Func<string, bool>? subjectFilter)
    {
        lock (_gate)
        {
            _cut = new Cut(publish, point, subjectFilter);
        }
    }

    public void DropRepliesOnce(Func<string, bool> subjectFilter)
    {
        lock (_gate)
        {
            _dropReply = subjectFilter;
        }
    }

    public void DropMessages(Func<string, bool>? replyFilter) => Volatile.Write(ref _dropMessage, replyFilter);

    public bool IsDropped(NatsFrame frame) => frame is { Operation: NatsOperation.Message, ReplyTo: { } reply } && Volatile.Read(ref _dropMessage)?.Invoke(reply) is true;

    public void HoldOnce(Func<string, bool> subjectFilter, PublishHold hold)
    {
        lock (_gate)
        {
            _hold = (subjectFilter, hold);
        }
    }

    /// <summary>What this publish has to wait for; null for nothing.</summary>
    public PublishHold? TakeHold(string subject)
    {
        lock (_gate)
        {
            if (_hold is not { } next || !next.SubjectFilter(subject))
            {
                return null;
            }

            _hold = null;
            return next.Hold;
        }
    }

    public void Restore()
    {
        lock (_gate)
        {
            _isCut = false;
        }
    }

    public void CountDroppedReply() => Interlocked.Increment(ref _droppedReplies);

    public PublishVerdict Judge(string subject, bool hasReply)
    {
        lock (_gate)
        {
            if (_isCut)
            {
                return PublishVerdict.Refuse;
            }

            _subjects.Add(subject);
            if (_cut is { } cut && (cut.SubjectFilter?.Invoke(subject) ?? true) && --cut.Remaining == 0)
            {
                _cut = null;
                _isCut = true;
                return cut.Point is CutPoint.BeforeForward ? PublishVerdict.CutBeforeForward : PublishVerdict.CutBeforeReply;
            }

            if (hasReply && _dropReply?.Invoke(subject) is true)
            {
                _dropReply = null;
                return PublishVerdict.ForwardAndDropReply;
            }

            return PublishVerdict.Forward;
        }
    }

    private sealed class Cut(int publish, CutPoint point, Func<string, bool>? subjectFilter)
    {
        public int Remaining { get; set; } = publish;

        public CutPoint Point => point;

        public Func<string, bool>? SubjectFilter => subjectFilter;
    }
}
