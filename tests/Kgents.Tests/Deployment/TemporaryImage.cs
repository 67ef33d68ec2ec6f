using System.Formats.Tar;
using System.IO.Compression;
using System.Reflection.PortableExecutable;
using System.Text.Json;

namespace Kgents.Tests.Deployment;

/// <summary>One image, or one for each of several kinds of processor, as an archive in the OCI layout.</summary>
internal sealed class TemporaryImage : IDisposable
{
    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("kgents-image-");

    public string Archive => Path.Combine(directory.FullName, "image.tar");

    public IReadOnlyList<Image> ReadImages()
    {
        TarFile.ExtractToDirectory(Archive, directory.FullName, overwriteFiles: true);
        return [.. ReadImages(JsonElement.Parse(File.ReadAllText(Path.Combine(directory.FullName, "index.json"))))];
    }

    public void Dispose() => directory.Delete(recursive: true);

    /// <summary>Of an index, which may list indexes.</summary>
    private IEnumerable<Image> ReadImages(JsonElement index) => index.At("manifests").EnumerateArray().Select(Read).SelectMany(read =>
        read.TryGetProperty("manifests", out _) ? ReadImages(read) : [new Image(Read(read.At("config")), [.. read.At("layers").EnumerateArray().Select(FileOf)])]);

    private JsonElement Read(JsonElement descriptor) => JsonElement.Parse(File.ReadAllText(FileOf(descriptor)));

    private string FileOf(JsonElement descriptor) => Path.Combine(directory.FullName, "blobs", "sha256", descriptor.Text("digest").Split(':')[1]);

    internal sealed record Image(JsonElement Config, IReadOnlyList<string> Layers)
    {
        /// <summary>Whether the program's assembly has code for a processor beside its IL, and for which.</summary>
        public bool IsCompiled(string assembly, out Machine machine)
        {
            foreach (var layer in Layers)
            {
                using var stream = new GZipStream(File.OpenRead(layer), CompressionMode.Decompress);
                using var archive = new TarReader(stream);
                while (archive.GetNextEntry(copyData: true) is { } entry)
                {
                    if (entry.Name.EndsWith($"app/{assembly}", StringComparison.Ordinal))
                    {
                        using var reader = new PEReader(entry.DataStream!);
                        machine = reader.PEHeaders.CoffHeader.Machine;
                        return reader.PEHeaders.CorHeader!.ManagedNativeHeaderDirectory.Size > 0;
                    }
                }
            }

            throw new InvalidOperationException($"{assembly} is not in the image.");
        }
    }
}
